#include "mail/own.h"

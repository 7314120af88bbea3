#include "mail/headers.h"

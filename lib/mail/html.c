#include "mail/html.h"

#include "notice/smtp.h"

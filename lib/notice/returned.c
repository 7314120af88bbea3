#include "notice/notice.h"

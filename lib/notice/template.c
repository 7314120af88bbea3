#include "notice/template.h"

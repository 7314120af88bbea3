#include "conf/ini.h"

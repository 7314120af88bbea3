#include "hold/states.h"

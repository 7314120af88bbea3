#include "hold/store.h"

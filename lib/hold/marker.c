#include "hold/marker.h"

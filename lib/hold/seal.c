#include "hold/seal.h"

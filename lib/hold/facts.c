#include "hold/facts.h"

#include "wire/queue.h"

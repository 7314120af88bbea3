#include "wire/desk.h"

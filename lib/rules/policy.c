#include "rules/policy.h"

// A function expression in JavaScript, (clock, dice) => …, that makes a fresh machine what scripts see.
#pragma once

extern const char prelude[];

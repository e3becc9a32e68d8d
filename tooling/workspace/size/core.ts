/** The least a program imports: a tensor, one operation, a function made to run. */
import { add, compile, tensor } from '@ostinato/core';

Object.assign(globalThis, { add, compile, tensor });

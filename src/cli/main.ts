#!/usr/bin/env node
// The bin `mien`.
import { createProgram } from './program.js';
import { runProcess } from './run.js';

await runProcess(createProgram());

#!/usr/bin/env node
// The bin `mien`.
import { loadLaboratory } from './laboratory.js';
import { createProgram } from './program.js';
import { runProcess } from './run.js';

await runProcess(createProgram(await loadLaboratory()));

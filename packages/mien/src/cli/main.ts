// Entry of the bin `mien` (bin/mien.js).
import { loadLaboratory } from './laboratory.js';
import { createProgram } from './program.js';
import { runProcess } from './run.js';

await runProcess(createProgram(await loadLaboratory()));

// Prints the answers, computed as the first argument says.
import { answers } from './app.mjs';

answers(JSON.parse(process.argv[2] ?? '{}')).then(console.log);

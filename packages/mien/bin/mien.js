#!/usr/bin/env node
// The bin `mien`. A file of its own, since npm links what is there when it installs, before anything is built.
import '../dist/cli/main.js';

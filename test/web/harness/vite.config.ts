// As an application of its own would have it: relative addresses, workers that are modules.
import { defineConfig } from 'vite';

export default defineConfig({ root: import.meta.dirname, base: './', worker: { format: 'es' } });

// The pool is named on the command line.
export default { test: { include: ['*.spec.mjs'], globals: true, maxWorkers: 1 } };

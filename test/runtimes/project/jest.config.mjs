// Modules as they are: no transform.
export default { testMatch: ['**/*.spec.mjs'], transform: {} };

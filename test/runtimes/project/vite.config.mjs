// A server bundle that holds mien itself, which Vite leaves outside by default.
export default {
  build: { ssr: 'main.mjs', outDir: 'out/vite' },
  ssr: { noExternal: ['mien'], external: ['sharp'] },
};

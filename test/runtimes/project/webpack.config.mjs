// Native packages stay outside, as webpack's users have them.
import { resolve } from 'node:path';

export default {
  mode: 'production',
  target: 'node20',
  entry: './main.mjs',
  output: { path: resolve('out'), filename: 'webpack.cjs' },
  externals: { sharp: 'commonjs sharp' },
};

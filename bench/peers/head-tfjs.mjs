// The paper's gated head in TensorFlow.js on its WebAssembly backend; a few steps a task, since an epoch takes long.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

const require = createRequire(join(process.env.MIEN_PEERS, 'tfjs', 'package.json'));
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');

const given = JSON.parse(process.argv[2]);
wasm.setThreadsCount(given.threads);
await tf.setBackend('wasm');
await tf.ready();

const uniform = (shape, bound) => tf.variable(tf.randomUniform(shape, -bound, bound));
const linear = (inner, width, bound = 1 / Math.sqrt(inner)) => {
  const [weight, bias] = [uniform([inner, width], bound), uniform([width], bound)];
  return (x) => tf.add(tf.matMul(x, weight), bias);
};
const { width, hidden, labels, batch } = given;
const [text, face] = [linear(given.text, width), linear(given.face, width)];
const gate = linear(2 * width, width);
// At one step an LSTM's recurrent weights and forget gate meet zeros only: the gates i, g, o do the same work.
const gates = linear(width, 3 * hidden, 1 / Math.sqrt(hidden));
const classifier = linear(hidden, labels);

function head(texts, faces) {
  const [t, v] = [text(texts), face(faces)];
  const g = tf.sigmoid(gate(tf.concat([v, t], 1)));
  const fused = tf.add(t, tf.mul(g, tf.sub(v, t)));
  const [i, c, o] = tf.split(gates(fused), 3, 1);
  return classifier(tf.mul(tf.sigmoid(o), tf.tanh(tf.mul(tf.sigmoid(i), tf.tanh(c)))));
}

const tables = {
  text: tf.randomNormal([given.rows, given.text]),
  face: tf.randomNormal([given.rows, given.face]),
};
const optimizer = tf.train.adam(1e-4);

const rows = () => tf.randomUniform([batch], 0, given.rows, 'int32');
function step() {
  tf.tidy(() => {
    const [texts, faces] = [tf.gather(tables.text, rows()), tf.gather(tables.face, rows())];
    const targets = tf.oneHot(tf.randomUniform([batch], 0, labels, 'int32'), labels);
    const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(targets, head(texts, faces)), true);
    loss.dataSync();
  });
}

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
say({ about: `TensorFlow.js ${tf.version.tfjs}, wasm backend, ${wasm.getThreadsCount()} threads` });
for await (const line of createInterface({ input: process.stdin })) {
  const { task } = JSON.parse(line);
  if (task !== 'steps') throw new Error(`no task ${task}`);
  const start = performance.now();
  for (let i = 0; i < given.steps; i++) step();
  say({ seconds: (performance.now() - start) / 1000 });
}

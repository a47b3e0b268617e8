// A child process of `openSession`: opens the model and runs it.
import { serveTasks } from '../base/serve-tasks.js';
import type { Tensor } from '../base/tensor.js';
import { createSession } from './session.js';
import type { SessionInfo, SessionSetup, SessionTask } from './session-pool.js';

serveTasks<SessionSetup, SessionTask, Record<string, Tensor>, SessionInfo>(async ({ model, options }) => {
  const { inputs, outputs, run } = await createSession(model, options);
  return { info: { inputs, outputs }, run: ({ feeds, outputs: wanted }) => run(feeds, wanted) };
});

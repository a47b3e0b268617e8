// The files of deploy/ call commands and paths that exist, and their numbers agree with each other.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { createProgram } from '../../packages/mien/src/cli/program.js';
import { openInferenceRoute } from '../../packages/mien/src/server/open-inference.js';
import { serverSettings } from '../../packages/mien/src/server/settings.js';
import { commands } from '../../packages/lab/src/cli.js';

const FOLDER = join(import.meta.dirname, '../../deploy');
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const read = (name: string): any => parse(readFileSync(join(FOLDER, name), 'utf8'));
/** The pod's specification, wherever the kind of resource has it. */
const podOf = (name: string) => {
  const { spec } = read(name);
  return spec.predictor ?? spec.template?.spec;
};
const withPods = files.filter((name) => podOf(name) !== undefined);

/** The arguments after the name of the bin; without a command they go to the image, which serves. */
const argumentsOf = ({ command, args }: { command?: string[]; args: string[] }): string[] =>
  command === undefined ? ['serve', '--host', '0.0.0.0', ...args] : args;

it('has the files that the documentation names', () => {
  expect(withPods).toEqual(['deployment.yaml', 'extract-job.yaml', 'kserve.yaml', 'predict-job.yaml']);
});

it.each(withPods)('%s has only options that the command knows, with values it takes', (name) => {
  for (const container of podOf(name).containers) {
    const [command, ...args] = argumentsOf(container);
    const found = createProgram(commands).commands.find((one) => one.name() === command)!;
    expect(found.parseOptions(args)).toEqual({ operands: [], unknown: [] });
    const { processes, threads, drainDelay, drainTimeout, shards } = found.opts();
    if (command === 'serve') {
      // As many threads as the limit has processors.
      expect(processes * threads).toBe(Number(container.resources.limits.cpu));
      const { drainDelay: delay, drainTimeout: timeout } = serverSettings({
        ...(drainDelay && { drainDelay }),
        ...(drainTimeout && { drainTimeout }),
      });
      const seconds = podOf(name).terminationGracePeriodSeconds ?? 30;
      expect(seconds).toBeGreaterThan((delay + timeout) / 1000);
    } else expect(Number(shards)).toBe(read(name).spec.completions);
  }
});

it.each(withPods)('%s probes paths that exist, and runs without rights', (name) => {
  const { containers, securityContext } = podOf(name);
  expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  for (const container of containers) {
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) {
      const path: string | undefined = container[probe]?.httpGet.path;
      if (path !== undefined)
        expect(['/healthz', '/readyz', openInferenceRoute(path)]).toContain(
          path.replace('/lite/', '/{name}/'),
        );
    }
  }
});

it('selects the pods of the deployment, and scales it', () => {
  const deployment = read('deployment.yaml');
  const { labels } = deployment.spec.template.metadata;
  expect(labels).toMatchObject(deployment.spec.selector.matchLabels);
  expect(labels).toMatchObject(read('service.yaml').spec.selector);
  const { scaleTargetRef, metrics } = read('autoscaler.yaml').spec;
  expect(scaleTargetRef.name).toBe(deployment.metadata.name);
  expect(metrics[0].pods.metric.name).toBe('mien_queue_items');
});

// What the service counts and times, for Prometheus.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export type Metrics = ReturnType<typeof createMetrics>;

/** A registry of its own, so that services in one process do not share counts. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const histogram = <Label extends string = never>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: Label[] = [],
  ) => new Histogram({ name: `mien_${name}`, help, buckets, labelNames, registers });
  const counter = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `mien_${name}`, help, labelNames, registers });
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `mien_${name}`, help, labelNames, registers });

  const queue = { length: (): number => 0 };
  new Gauge({
    name: 'mien_queue_items',
    help: 'Items that wait for a process',
    registers,
    collect() {
      this.set(queue.length());
    },
  });
  return {
    registry,
    requests: counter('http_requests_total', 'Requests by route, method and status', [
      'route',
      'method',
      'status',
    ]),
    requestSeconds: histogram('http_request_duration_seconds', 'Time from request to answer', SECONDS, [
      'route',
    ]),
    inFlight: gauge('http_requests_in_flight', 'Requests that are not answered yet'),
    items: counter('items_total', 'Items by outcome: recognised, or the code of the failure', ['outcome']),
    queueWait: histogram('queue_wait_seconds', 'Time that items waited for a process', SECONDS),
    batchItems: histogram('batch_items', 'Items that were computed together', [1, 2, 4, 8, 16, 32, 64, 128]),
    batchSeconds: histogram(
      'batch_duration_seconds',
      'Time from handing a batch over to its results',
      SECONDS,
    ),
    processes: gauge('inference_processes', 'Processes that can compute'),
    restarts: counter('inference_process_ends_total', 'Processes that ended unexpectedly'),
    build: gauge('build_info', 'Version and model, always 1', ['version', 'model']),
    /** Says where the length of the queue is to be read. */
    watchQueue: (length: () => number): void => void (queue.length = length),
  };
}

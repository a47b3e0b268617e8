// Prometheus metrics of the service.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export type Metrics = ReturnType<typeof createMetrics>;

/** In a separate registry, so that services in one process do not share counts. */
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
    help: 'Items in the queue',
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
    requestSeconds: histogram('http_request_duration_seconds', 'Time from request to response', SECONDS, [
      'route',
    ]),
    inFlight: gauge('http_requests_in_flight', 'Requests in progress'),
    items: counter('items_total', 'Items by outcome: recognised, or the code of the failure', ['outcome']),
    queueWait: histogram('queue_wait_seconds', 'Time that items spent in the queue', SECONDS),
    batchItems: histogram('batch_items', 'Items that were computed together', [1, 2, 4, 8, 16, 32, 64, 128]),
    batchSeconds: histogram('batch_duration_seconds', 'Time to compute a batch', SECONDS),
    processes: gauge('inference_processes', 'Inference processes that are ready'),
    restarts: counter('inference_process_ends_total', 'Inference processes that ended unexpectedly'),
    build: gauge('build_info', 'Version and model, always 1', ['version', 'model']),
    /** Sets the function that returns the length of the queue. */
    watchQueue: (length: () => number): void => void (queue.length = length),
  };
}

// The camera: its picture in the page, and its frames one after the other for reading.
import { element } from './page.js';

const video = element('video', 'video');

/** Frames are read at this width at most: a face fills less, and the face model sees it smaller still. */
const WIDTH = 640;

export interface Camera {
  stop(): void;
}

/** What becomes of the camera's frames. */
export interface FrameUse<T> {
  /** Reads a frame; one at a time. */
  read(frame: ImageBitmap): Promise<T>;
  /** Shows what was read, while the next frame is being read already. */
  show(reading: T): void;
  /** The camera was turned off elsewhere. */
  onEnd(): void;
}

/**
 * Turns the camera on and has its frames read, one after the other, the newest each time.
 * @throws Error that says in plain words why there is no picture.
 */
export async function startCamera<T>({ read, show, onEnd }: FrameUse<T>): Promise<Camera> {
  if (!navigator.mediaDevices)
    throw new Error('Browsers give a camera only to pages that come over https or from this computer.');
  const stream = await navigator.mediaDevices
    .getUserMedia({
      audio: false,
      video: { facingMode: 'user', width: { ideal: 640 }, height: { ideal: 480 } },
    })
    .catch((cause: unknown) => {
      throw new Error(reasonOf(cause), { cause });
    });
  let running = true;
  const stop = (): void => {
    running = false;
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  stream.getVideoTracks()[0]?.addEventListener('ended', () => {
    if (running) onEnd();
  });
  video.srcObject = stream;
  await video.play();
  const fresh = freshness(() => running);
  void (async () => {
    let reading: Promise<T> | undefined;
    while (running) {
      if (!reading) {
        await fresh.come();
        reading = read(await picture());
      }
      const done = await reading;
      // The worker has the next frame before this one is drawn: neither waits for the other.
      reading = running && fresh.taken() ? read(await picture()) : undefined;
      if (running) show(done);
    }
  })();
  return { stop };
}

function picture(): Promise<ImageBitmap> {
  const { videoWidth: width, videoHeight: height } = video;
  const small =
    width > WIDTH ? { resizeWidth: WIDTH, resizeHeight: Math.round((height * WIDTH) / width) } : {};
  return createImageBitmap(video, small);
}

/** Whether the camera has a picture that was not taken yet. Browsers hold pictures back while the page is not seen. */
function freshness(running: () => boolean): { taken(): boolean; come(): Promise<void> } {
  let isNew = false;
  let told: (() => void) | undefined;
  const listen = (): void => {
    const heard = (): void => {
      if (!running()) return;
      isNew = video.videoWidth > 0;
      if (isNew) told?.();
      listen();
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(heard);
    else requestAnimationFrame(heard);
  };
  listen();
  const taken = (): boolean => {
    const was = isNew;
    isNew = false;
    return was;
  };
  return {
    taken,
    async come() {
      while (!taken()) await new Promise<void>((resolve) => (told = resolve));
    },
  };
}

function reasonOf(cause: unknown): string {
  const name = cause instanceof DOMException ? cause.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError')
    return 'The camera was not allowed. Your browser’s settings for this page can allow it again; pictures and words work without.';
  if (name === 'NotFoundError' || name === 'OverconstrainedError')
    return 'There is no camera here. Pictures and words work without one.';
  if (name === 'NotReadableError') return 'The camera is in use by another program.';
  return 'The camera could not be turned on.';
}

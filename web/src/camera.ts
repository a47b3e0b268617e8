// The camera: shown in the page, its frames passed on one by one.
import { openDevice } from './devices.js';
import { element } from './page.js';

const video = element('video', 'video');

/** Wider frames are scaled down: the face model's input is smaller than any face in them. */
const MAX_WIDTH = 640;

export interface Camera {
  stop(): void;
}

export interface FrameHandlers<T> {
  /** Recognises a frame; called for one at a time. */
  recognize(frame: ImageBitmap): Promise<T>;
  /** Shows a result, while the next frame is already being recognised. */
  show(result: T): void;
  /** Called when the camera is turned off outside the page. */
  onEnd(): void;
}

/**
 * Turns the camera on and has the newest frame recognised, again and again.
 * @throws Error with a message for the user.
 */
export async function startCamera<T>({ recognize, show, onEnd }: FrameHandlers<T>): Promise<Camera> {
  const stream = await openDevice('camera', {
    audio: false,
    video: { facingMode: 'user', width: { ideal: 640 }, height: { ideal: 480 } },
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
  const frames = newFrames(() => running);
  void (async () => {
    let pending: Promise<T> | undefined;
    while (running) {
      if (!pending) {
        await frames.next();
        pending = recognize(await currentFrame());
      }
      const result = await pending;
      // The worker gets the next frame before this result is drawn, so that neither waits for the other.
      pending = running && frames.take() ? recognize(await currentFrame()) : undefined;
      if (running) show(result);
    }
  })();
  return { stop };
}

function currentFrame(): Promise<ImageBitmap> {
  const { videoWidth: width, videoHeight: height } = video;
  const size =
    width > MAX_WIDTH
      ? { resizeWidth: MAX_WIDTH, resizeHeight: Math.round((height * MAX_WIDTH) / width) }
      : {};
  return createImageBitmap(video, size);
}

/** Whether the camera has a frame that was not taken yet. Browsers withhold frames while the page is hidden. */
function newFrames(isRunning: () => boolean): { take(): boolean; next(): Promise<void> } {
  let isNew = false;
  let notify: (() => void) | undefined;
  const listen = (): void => {
    const onFrame = (): void => {
      if (!isRunning()) return;
      isNew = video.videoWidth > 0;
      if (isNew) notify?.();
      listen();
    };
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(onFrame);
    else requestAnimationFrame(onFrame);
  };
  listen();
  const take = (): boolean => {
    const wasNew = isNew;
    isNew = false;
    return wasNew;
  };
  return {
    take,
    async next() {
      while (!take()) await new Promise<void>((resolve) => (notify = resolve));
    },
  };
}

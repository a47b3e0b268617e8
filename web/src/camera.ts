// The camera: its picture in the page, and its frames one after the other for reading.
import { element } from './page.js';

const video = element('video', 'video');

/** Frames are read at this width at most: a face fills less, and the face model sees it smaller still. */
const WIDTH = 640;

export interface Camera {
  stop(): void;
}

/**
 * Turns the camera on and hands frames to `onFrame`, the next one when it has finished with the last.
 * @throws Error that says in plain words why there is no picture.
 */
export async function startCamera(
  onFrame: (frame: ImageBitmap) => Promise<void>,
  onEnd: () => void,
): Promise<Camera> {
  if (!navigator.mediaDevices)
    throw new Error('Browsers give a camera only to pages that come over https or from this computer.');
  const stream = await navigator.mediaDevices
    .getUserMedia({
      ...{ audio: false },
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
  void (async () => {
    while (running) {
      await nextFrame();
      if (!running) break;
      const { videoWidth: width, videoHeight: height } = video;
      if (width === 0) continue;
      const small =
        width > WIDTH ? { resizeWidth: WIDTH, resizeHeight: Math.round((height * WIDTH) / width) } : {};
      await onFrame(await createImageBitmap(video, small));
    }
  })();
  return { stop };
}

/** The next new picture; browsers hold it back while the page is not seen. */
const nextFrame = (): Promise<unknown> =>
  new Promise((resolve) => {
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(resolve);
    else requestAnimationFrame(resolve);
  });

function reasonOf(cause: unknown): string {
  const name = cause instanceof DOMException ? cause.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError')
    return 'The camera was not allowed. Your browser’s settings for this page can allow it again; pictures and words work without.';
  if (name === 'NotFoundError' || name === 'OverconstrainedError')
    return 'There is no camera here. Pictures and words work without one.';
  if (name === 'NotReadableError') return 'The camera is in use by another program.';
  return 'The camera could not be turned on.';
}

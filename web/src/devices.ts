// Opens a camera or a microphone, and says in plain words why there is none.

/**
 * The stream of a device.
 * @throws Error with a message for the user.
 */
export async function openDevice(
  device: 'camera' | 'microphone',
  constraints: MediaStreamConstraints,
): Promise<MediaStream> {
  if (!navigator.mediaDevices)
    throw new Error(`Browsers allow a ${device} only on pages served over https or from this computer.`);
  return navigator.mediaDevices.getUserMedia(constraints).catch((cause: unknown) => {
    throw new Error(reasonOf(cause, device), { cause });
  });
}

function reasonOf(cause: unknown, device: string): string {
  const name = cause instanceof DOMException ? cause.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError')
    return `The ${device} was not allowed. You can allow it in your browser’s settings for this page; the rest of the page works without it.`;
  if (name === 'NotFoundError' || name === 'OverconstrainedError')
    return `No ${device} was found. The rest of the page works without one.`;
  if (name === 'NotReadableError') return `The ${device} is in use by another program.`;
  return `The ${device} could not be turned on.`;
}

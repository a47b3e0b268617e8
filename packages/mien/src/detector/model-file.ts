// The file that the detector is made of: known by its hash, so that no other is taken for it.

/** `models/blazeface/face_detection_back_256x256.onnx`. */
export const DETECTOR_FILE = {
  bytes: 603_432,
  sha256: '427cbbe0fc41448d09e1dc9cfabe2423d997cf2faaeab91fadd09a510b63b8e2',
} as const;

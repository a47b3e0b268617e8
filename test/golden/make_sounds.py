"""Writes sounds/: one made sound in the compressed formats that mien decodes. Needs numpy and soundfile (libsndfile 1.2)."""

from pathlib import Path

import numpy as np
import soundfile as sf

RATE = 16000
SECONDS = 0.6
FOLDER = Path(__file__).parent / "sounds"


def sound(rate: int) -> np.ndarray:
    """Tones of 440 and 1000 Hz that swell and fade, so that delays and gains show."""
    t = np.arange(int(SECONDS * rate)) / rate
    swell = np.sin(np.pi * t / SECONDS) ** 2
    return (0.3 * np.sin(2 * np.pi * 440 * t) + 0.2 * np.sin(2 * np.pi * 1000 * t)) * swell


FOLDER.mkdir(exist_ok=True)
sf.write(FOLDER / "mono.opus", sound(RATE), RATE, format="OGG", subtype="OPUS")
sf.write(FOLDER / "mono.ogg", sound(22050), 22050, format="OGG", subtype="VORBIS")
sf.write(FOLDER / "mono.flac", sound(RATE), RATE, format="FLAC", subtype="PCM_16")
sf.write(FOLDER / "stereo.mp3", np.stack([sound(44100)] * 2, 1), 44100, format="MP3")

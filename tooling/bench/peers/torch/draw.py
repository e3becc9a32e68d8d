"""Numbers of peers/draw.ts: the same hash, the same bits."""
import numpy as np


def draw(seed, shape, limit):
    """Uniform in [-limit, limit), float32."""
    x = np.arange(int(np.prod(shape)), dtype=np.uint32)
    x += np.uint32((seed * 0x9E3779B1) & 0xFFFFFFFF)
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    x ^= x >> 16
    return ((((x >> 8) / 2.0**23) - 1) * limit).astype(np.float32).reshape(shape)

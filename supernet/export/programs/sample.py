# pip install onnxruntime numpy pillow
import numpy as np
import onnxruntime as ort

options = ort.SessionOptions()
options.add_session_config_entry("session.disable_prepacking", "1")  # keeps each weight in memory once
session = ort.InferenceSession("model.onnx", options)
feeds = {i.name: np.load(f"example/{i.name}.npy") for i in session.get_inputs()}
(result,) = session.run(None, feeds)
expected = np.load(f"example/{session.get_outputs()[0].name}.npy")
print("largest difference from the example:", np.abs(result - expected).max())

if result.shape[1] == 3:
    from PIL import Image
    pixels = ((result[0].clip(-1, 1) + 1) * 127.5).round().astype("uint8")
    Image.fromarray(pixels.transpose(1, 2, 0)).save("picture.png")

"""Splits a model into several files like llama.cpp's gguf-split: the first has all properties, each some tensors."""

from pathlib import Path

import gguf


def split(model: Path, folder: Path, stem: str, tensors_each: int) -> list[Path]:
    """Write ``STEM-00001-of-0000N.gguf`` and so on into ``folder``; return the parts in order."""
    reader = gguf.GGUFReader(str(model))
    groups = [reader.tensors[at : at + tensors_each] for at in range(0, len(reader.tensors), tensors_each)]
    paths = []
    for number, group in enumerate(groups):
        path = folder / f"{stem}-{number + 1:05}-of-{len(groups):05}.gguf"
        writer = gguf.GGUFWriter(str(path), "llama")
        if number:
            writer.kv_data[0].pop("general.architecture")
        else:
            for field in reader.fields.values():
                if not field.name.startswith(("GGUF.", "general.architecture")):
                    inner = field.types[1] if field.types[0] is gguf.GGUFValueType.ARRAY else None
                    writer.add_key_value(field.name, field.contents(), field.types[0], inner)
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", len(groups))
        writer.add_int32("split.tensors.count", len(reader.tensors))
        for tensor in group:
            writer.add_tensor(tensor.name, tensor.data)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        paths.append(path)
    return paths

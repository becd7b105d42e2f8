import pathlib


def stamp(text: str):
    return {"text": text}


async def prepare(name: str):
    pathlib.Path(name).write_text("yes")
    return {"prepared": name}

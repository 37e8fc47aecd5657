"""A tool with a fast answer and a long one, so that a bench sees what stands in front of it."""

import asyncio
import os

BLOCK = b"x" * 65_536
BLOCKS = 1600


def head(length: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n".encode()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection until its client leaves."""
    try:
        while True:
            request = await reader.readuntil(b"\r\n\r\n")
            if request.startswith(b"GET /stream"):
                writer.write(head(BLOCKS * len(BLOCK)))
                for _ in range(BLOCKS):
                    writer.write(BLOCK)
                    await writer.drain()
            else:
                writer.write(head(3) + b"ok\n")
                await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "0.0.0.0", int(os.environ["PORT"]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

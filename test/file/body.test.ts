import { bytesBody, collect, exactly, lengthOf, rangeBody, skip, type FileBody } from '../../src/file/body.js';

const digits = Buffer.from('0123456789');

/** A body that only streams, in the given chunks, and notes when it is closed. */
function streaming(chunks: readonly string[], size?: number) {
  const state = { closed: 0, ended: false };
  const body: FileBody = {
    ...(size !== undefined && { size }),
    async *stream() {
      try {
        for (const chunk of chunks) yield Buffer.from(chunk);
      } finally {
        state.ended = true;
      }
    },
    close: () => void (state.closed += 1),
  };
  return { body, state };
}

const textOf = async (body: FileBody) => (await collect(body)).toString();

describe('lengthOf', () => {
  it.each([
    [0, 0, 1],
    [5, 9, 5],
    [0, 2 ** 40, 2 ** 40 + 1],
  ])('counts both ends of %d-%d', (start, end, length) => expect(lengthOf({ start, end })).toBe(length));
});

describe('exactly', () => {
  it('cuts a stream that is longer, and ends the source', async () => {
    const { body, state } = streaming(['0123', '4567', '89']);
    expect(await textOf(exactly(body, 6))).toBe('012345');
    expect(state).toEqual({ closed: 1, ended: true });
  });

  it('fails with incomplete when a stream is shorter, after the bytes that there are', async () => {
    const seen: string[] = [];
    const read = async () => {
      for await (const chunk of exactly(streaming(['0123']).body, 6).stream()) seen.push(String(chunk));
    };
    await expect(read()).rejects.toMatchObject({ code: 'incomplete', message: expect.stringContaining('2 bytes') });
    expect(seen).toEqual(['0123']);
  });

  it('fails before the first byte when the body says that it is shorter', async () => {
    const { body, state } = streaming(['0123'], 4);
    await expect(textOf(exactly(body, 6))).rejects.toMatchObject({ code: 'incomplete' });
    expect(state.ended).toBe(false);
    const random = exactly(bytesBody(digits), 11);
    await expect(random.read!(Buffer.alloc(1), 0)).rejects.toMatchObject({ code: 'incomplete' });
  });

  it('reads no position beyond the length', async () => {
    const body = exactly(bytesBody(digits), 6);
    const buffer = Buffer.alloc(10, '-');
    expect({ bytes: await body.read!(buffer, 2), text: buffer.toString() }).toEqual({ bytes: 4, text: '2345------' });
    expect(await body.read!(buffer, 6)).toBe(0);
  });

  it('fails with incomplete when a read finds the end before the length', async () => {
    const body = exactly({ ...bytesBody(digits), size: undefined }, 12);
    await expect(body.read!(Buffer.alloc(4), 10)).rejects.toMatchObject({ code: 'incomplete' });
  });

  it('yields nothing for the length 0', async () => expect(await textOf(exactly(bytesBody(digits), 0))).toBe(''));

  it('has no random access when the body has none', () => {
    expect(exactly(streaming([]).body, 0).read).toBeUndefined();
  });
});

describe('rangeBody', () => {
  const whole = bytesBody(digits);
  const part = () =>
    rangeBody(
      (buffer, position) => whole.read!(buffer, position),
      { start: 2, end: 6 },
      () => {},
    );

  it('streams the range and knows its size', async () => {
    expect(part().size).toBe(5);
    expect(await textOf(part())).toBe('23456');
  });

  it('counts positions from the start of the range and stops at its end', async () => {
    const buffer = Buffer.alloc(10, '-');
    expect({ bytes: await part().read!(buffer, 1), text: buffer.toString() }).toEqual({ bytes: 4, text: '3456------' });
    expect(await part().read!(buffer, 5)).toBe(0);
    expect(await part().read!(buffer, 50)).toBe(0);
  });

  it('fails with incomplete when the bytes end before the range', async () => {
    const long = rangeBody(
      (buffer, position) => whole.read!(buffer, position),
      { start: 8, end: 20 },
      () => {},
    );
    await expect(textOf(long)).rejects.toMatchObject({ code: 'incomplete' });
  });
});

describe('skip', () => {
  it.each([0, 1, 4, 5, 10, 11])('leaves out the first %d bytes, whatever the chunks', async (bytes) => {
    const { body } = streaming(['0123', '', '4567', '89']);
    const rest = { ...body, stream: () => skip(body.stream(), bytes) };
    expect(await textOf(rest)).toBe('0123456789'.slice(bytes));
  });
});

describe('collect', () => {
  it('copies chunks whose memory is reused', async () => {
    const buffer = Buffer.alloc(2);
    const stream = async function* () {
      for (const text of ['ab', 'cd']) yield buffer.fill(text);
    };
    expect(await textOf({ stream, close() {} })).toBe('abcd');
  });

  it('closes the body when its stream fails', async () => {
    const { body, state } = streaming([]);
    const failing = {
      ...body,
      async *stream() {
        yield digits;
        throw new Error('broken');
      },
    };
    await expect(collect(failing)).rejects.toThrow('broken');
    expect(state.closed).toBe(1);
  });
});

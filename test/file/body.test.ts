import { bytesBody, collect, exactly, lengthOf, rangeBody, skip, type FileBody } from '../../src/file/body.js';

const digits = Buffer.from('0123456789');

/** A body with the given chunks and without random access, and the state of its stream. */
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
  it('cuts a longer stream at the length, and closes the body', async () => {
    const { body, state } = streaming(['0123', '4567', '89']);
    expect(await textOf(exactly(body, 6))).toBe('012345');
    expect(state).toEqual({ closed: 1, ended: true });
  });

  it('fails with incomplete after the last byte when a stream is shorter', async () => {
    const received: string[] = [];
    const read = async () => {
      for await (const chunk of exactly(streaming(['0123']).body, 6).stream()) received.push(String(chunk));
    };
    await expect(read()).rejects.toMatchObject({ code: 'incomplete', message: expect.stringContaining('2 bytes') });
    expect(received).toEqual(['0123']);
  });

  it('fails with incomplete before the first byte when the size of the body is smaller', async () => {
    const { body, state } = streaming(['0123'], 4);
    await expect(textOf(exactly(body, 6))).rejects.toMatchObject({ code: 'incomplete' });
    expect(state.ended).toBe(false);
    const random = exactly(bytesBody(digits), 11);
    await expect(random.read!(Buffer.alloc(1), 0)).rejects.toMatchObject({ code: 'incomplete' });
  });

  it('reads no byte beyond the length', async () => {
    const body = exactly(bytesBody(digits), 6);
    const buffer = Buffer.alloc(10, '-');
    expect({ bytes: await body.read!(buffer, 2), text: buffer.toString() }).toEqual({ bytes: 4, text: '2345------' });
    expect(await body.read!(buffer, 6)).toBe(0);
  });

  it('fails with incomplete when a read reaches the end before the length', async () => {
    const body = exactly({ ...bytesBody(digits), size: undefined }, 12);
    await expect(body.read!(Buffer.alloc(4), 10)).rejects.toMatchObject({ code: 'incomplete' });
  });

  it('yields no bytes for the length 0', async () => expect(await textOf(exactly(bytesBody(digits), 0))).toBe(''));

  it('has no `read` when the body has no `read`', () => {
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

  it('streams the range and has its size', async () => {
    expect(part().size).toBe(5);
    expect(await textOf(part())).toBe('23456');
  });

  it('reads positions relative to the start of the range, up to its end', async () => {
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
  it.each([0, 1, 4, 5, 10, 11])('omits the first %d bytes, across chunks', async (bytes) => {
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

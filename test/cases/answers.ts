import { sizeOf, type Answer, type Expected, type Slice } from './http-case.js';

const type = 'application/octet-stream';

/** 200 with the whole file, or with its header alone for HEAD. */
export const whole: Answer = (file, method) => ({
  status: 200,
  headers: { 'content-length': String(sizeOf(file)), 'content-range': null, 'content-type': type },
  body: method === 'HEAD' || sizeOf(file) === 0 ? [] : [[0, sizeOf(file) - 1]],
});

/** 206 with one range of the file. */
export function part(first: number, last: number): Answer {
  return (file) => ({
    status: 206,
    headers: {
      'content-length': String(last - first + 1),
      'content-range': `bytes ${first}-${last}/${sizeOf(file)}`,
      'content-type': type,
    },
    body: [[first, last]],
  });
}

/** 206 with several ranges of the file, in this order. */
export function parts(...slices: readonly Slice[]): Answer {
  return () => ({
    status: 206,
    headers: { 'content-type': /^multipart\/byteranges; *boundary=/, 'content-range': null },
    body: slices,
  });
}

/** 304: the client uses the response that it has. */
export const notModified: Answer = ({ etag }) => ({
  status: 304,
  headers: { etag: etag ?? null, 'content-type': null, 'content-length': null, 'content-range': null },
  body: [],
});

/** 404: there is no file. */
export const notFound: Answer = (_file, method) => ({ status: 404, headers: {}, body: errorPage(method) });

/** 405: a view does not support the method. */
export const notAllowed: Answer = (_file, method) => ({
  status: 405,
  headers: { allow: 'GET, HEAD, OPTIONS' },
  body: errorPage(method),
});

/** 412: a condition of the request is false. */
export const preconditionFailed: Answer = () => ({ status: 412, headers: {}, body: [] });

/** 416: no range of the request starts within the file. */
export const unsatisfiable: Answer = (file) => ({
  status: 416,
  headers: { 'content-range': `bytes */${sizeOf(file)}` },
  body: [],
});

/** The same response with more header fields. */
export function having(answer: Answer, headers: Expected['headers']): Answer {
  return (file, method) => {
    const expected = answer(file, method);
    return { ...expected, headers: { ...expected.headers, ...headers } };
  };
}

/** Express, Fastify and Koa write different texts. */
function errorPage(method: string): Expected['body'] {
  return method === 'HEAD' ? [] : 'an error page';
}

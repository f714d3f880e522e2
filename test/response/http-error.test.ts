import { FileFieldError } from '../../src/errors.js';
import { errorBody, errorStatus, HttpError } from '../../src/response/http-error.js';

const secret = { key: '2026/11/ab/secret', storage: 'vault', cause: new Error('/srv/vault/secret') };

describe('errorStatus', () => {
  it.each([
    ['not_found', 404],
    ['missing', 404],
    ['invalid_key', 404],
    ['forbidden', 403],
    ['method_not_allowed', 405],
    ['too_large', 413],
    ['wrong_type', 415],
    ['busy', 503],
    ['unavailable', 503],
    ['no_space', 507],
    ['storage_failed', 500],
    ['database_failed', 500],
    ['incomplete', 500],
    ['invalid_option', 500],
  ] as const)('maps %s to %d', (code, status) => expect(errorStatus(new FileFieldError(code, ''))).toBe(status));

  it.each([
    new Error('x'),
    Object.assign(new Error('x'), { status: 200, code: 'not_found' }),
    null,
    undefined,
    'text',
    404,
  ])('maps %p, which is not an error of this library, to 500', (error) => expect(errorStatus(error)).toBe(500));
});

describe('errorBody', () => {
  it('contains the rule that an upload violates', () => {
    const error = new FileFieldError('too_large', 'no', { field: 'file', rule: 'maxSize', limit: 20, ...secret });
    expect(errorBody(error)).toEqual({
      statusCode: 413,
      error: 'Payload Too Large',
      code: 'too_large',
      message: 'no',
      field: 'file',
      rule: 'maxSize',
      limit: 20,
    });
  });

  it.each(['not_found', 'missing', 'invalid_key'] as const)('contains only not_found for %s', (code) => {
    expect(errorBody(new FileFieldError(code, '/srv', { rule: 'key', ...secret }))).toEqual({
      statusCode: 404,
      error: 'Not Found',
      code: 'not_found',
      message: 'Not Found',
    });
  });

  it.each(['busy', 'unavailable'] as const)(
    'tells %s, after which a client may try again, without a sentence',
    (code) => {
      expect(errorBody(new FileFieldError(code, '/srv', secret))).toEqual({
        statusCode: 503,
        error: 'Service Unavailable',
        code,
        message: 'Service Unavailable',
      });
    },
  );

  it.each([new FileFieldError('storage_failed', '/srv', secret), new Error('/srv'), null])(
    'says nothing about %p',
    (error) =>
      expect(errorBody(error)).toEqual({
        statusCode: 500,
        error: 'Internal Server Error',
        code: 'internal',
        message: 'Internal Server Error',
      }),
  );
});

describe('HttpError', () => {
  it('has the status text as message and stack, and the original error as cause', () => {
    const cause = new FileFieldError('missing', 'The bytes at /srv/vault are gone.', secret);
    const error = new HttpError(cause);
    expect({ status: error.status, statusCode: error.statusCode, message: error.message, stack: error.stack }).toEqual({
      status: 404,
      statusCode: 404,
      message: 'Not Found',
      stack: 'Not Found',
    });
    expect(error.cause).toBe(cause);
    expect(JSON.stringify(error)).not.toMatch(/srv|secret|vault/);
  });

  it('has an Allow header for 405 only', () => {
    expect(new HttpError(new FileFieldError('method_not_allowed', '')).headers).toEqual({
      allow: 'GET, HEAD, OPTIONS',
    });
    expect(new HttpError(new Error()).headers).toEqual({});
  });
});

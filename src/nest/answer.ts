import type { Request, Response } from 'express';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toExpress, type ExpressHandler } from '../adapters/express.js';
import { toFastify } from '../adapters/fastify.js';
import { isFileFieldError } from '../errors.js';
import type { DownloadHandler } from '../response/download.js';
import { isHttpError } from '../response/http-error.js';
import type { AdapterOptions } from '../send/run.js';

/** Answers a request on the platform that the application has. Rejects with what the filters of the application get. */
export type Answer = (request: object, response: object) => Promise<void>;

/** Mounts a view on both platforms. Throws `invalid_option` for an `idleTimeout` out of range. */
export function answerWith(view: DownloadHandler, options: AdapterOptions<unknown>): Answer {
  const express = toExpress(view, options);
  const fastify = toFastify(view, options);
  return async (request, response) => {
    try {
      if ('raw' in response) await fastify(request as FastifyRequest, response as FastifyReply);
      else await sendOnExpress(express, request as Request, response as Response);
    } catch (error) {
      // What the handler has thrown is for the filters of the application as it is.
      throw isHttpError(error) && !isFileFieldError(error.cause) ? error.cause : error;
    }
  };
}

function sendOnExpress(handler: ExpressHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    // A client that went away is not told anything; its response is closed already.
    if (response.destroyed) return resolve();
    response.once('close', resolve);
    void handler(request, response, reject);
  });
}

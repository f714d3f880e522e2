import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { AppModule } from './app.module.js';

const adapter = process.argv.includes('--fastify') ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(AppModule, adapter);
const describe = () => SwaggerModule.createDocument(app, new DocumentBuilder().addBearerAuth().build());
// The document is /api-json. Its page would need `@fastify/static` on Fastify.
SwaggerModule.setup('api', app, describe, { ui: false });
// On SIGTERM, uploads, downloads and the sweep under way end before the database closes.
app.enableShutdownHooks();
await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
console.log(`filefield on Nest: ${await app.getUrl()}/documents   (Ctrl-C to stop)`);

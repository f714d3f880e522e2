/** Express 4 beside Express 5, for the tests: what they use of both is alike. */
declare module 'express-4' {
  import express from 'express';
  export default express;
}

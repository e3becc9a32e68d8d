export default { test: { include: ['page.ts'] } };

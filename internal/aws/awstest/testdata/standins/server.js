// Serves one stand-in (dynalite or fauxqs) at a free port of this machine, prints its address, and ends when its standard input does.
const serve = {
  async dynalite () {
    const server = require('dynalite')({ createTableMs: 0, deleteTableMs: 0 })
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${server.address().port}`
  },
  async fauxqs () {
    const { buildApp } = await import('fauxqs')
    return buildApp({ logger: false }).listen({ port: 0, host: '127.0.0.1' })
  }
}

process.stdin.on('end', () => process.exit()).resume()
serve[process.argv[2]]().then(address => console.log(address))

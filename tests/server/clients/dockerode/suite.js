// dockerode at whatever engine DOCKER_HOST names: each case prints a line of JSON, {"name": …, "error": … or null}.
// The engine has busybox:latest and alpine:latest, and nothing of these names.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { PassThrough, Readable } = require('node:stream');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const Docker = require('dockerode');

const docker = new Docker({ socketPath: process.env.DOCKER_HOST.replace('unix://', '') });
const FOREVER = ['sh', '-c', "trap 'exit 7' TERM; echo up; while :; do sleep 0.1; done"];
const cases = [];
const test = (name, act) => cases.push({ name, act });

async function text(stream) {
  const parts = [];
  for await (const part of stream) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

function demuxed(container, stream) {
  const out = new PassThrough(), err = new PassThrough();
  container.modem.demuxStream(stream, out, err);
  stream.on('end', () => { out.end(); err.end(); });
  return { out, err };
}

const followed = (stream, each) => new Promise((resolve, reject) =>
  docker.modem.followProgress(stream, (error, output) => (error ? reject(error) : resolve(output)), each));

async function until(condition) {
  for (let left = 600; left; left--) {
    if (await condition()) return;
    await sleep(50);
  }
  assert.fail('it does not happen');
}

async function running(options = {}) {
  const container = await docker.createContainer({ Image: 'busybox', Cmd: FOREVER, ...options });
  await container.start();
  return container;
}

function tarOf(files) { // a ustar archive, so that nothing else need be installed
  const blocks = [];
  for (const [name, content] of Object.entries(files)) {
    const head = Buffer.alloc(512), data = Buffer.from(content);
    head.write(name, 0); head.write('0000644\0', 100); head.write('0000000\0', 108); head.write('0000000\0', 116);
    head.write(data.length.toString(8).padStart(11, '0') + '\0', 124); head.write('00000000000\0', 136);
    head.write('        ', 148); head.write('0', 156); head.write('ustar\0' + '00', 257);
    let sum = 0;
    for (const byte of head) sum += byte;
    head.write(sum.toString(8).padStart(6, '0') + '\0 ', 148);
    blocks.push(head, data, Buffer.alloc((512 - (data.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

test('the engine says what it is', async () => {
  assert.equal((await docker.ping()).toString(), 'OK');
  assert.equal((await docker.version()).ApiVersion, '1.41');
  const info = await docker.info();
  assert.ok(info.ServerVersion && info.Swarm.LocalNodeState === 'inactive');
  assert.ok('Volumes' in (await docker.df()));
});

test('run pipes the output and gives the code and the container', async () => {
  const out = new PassThrough();
  const said = text(out);
  const [data, container] = await docker.run('busybox', ['sh', '-c', 'echo hello; exit 3'], out);
  out.end();
  assert.equal(data.StatusCode, 3);
  assert.equal((await said).replace(/\r/g, ''), 'hello\n');
  await container.remove();
});

test('run without a terminal keeps both outputs apart', async () => {
  const out = new PassThrough(), err = new PassThrough();
  const texts = Promise.all([text(out), text(err)]);
  const [data, container] = await docker.run('busybox', ['sh', '-c', 'echo o; echo e >&2'], [out, err], { Tty: false });
  out.end(); err.end();
  assert.equal(data.StatusCode, 0);
  assert.deepEqual(await texts, ['o\n', 'e\n']);
  await container.remove();
});

test('run emits its container, its stream and its data', async () => {
  const seen = [];
  const emitter = docker.run('busybox', ['true'], new PassThrough(), () => {});
  for (const name of ['container', 'stream', 'start']) emitter.on(name, () => seen.push(name));
  const [data] = await once(emitter, 'data');
  assert.equal(data.StatusCode, 0);
  assert.deepEqual(seen, ['container', 'stream', 'start']);
});

test('a life from creation to removal', async () => {
  const container = await docker.createContainer({ Image: 'busybox', Cmd: FOREVER, name: 'life', Labels: { a: 'b' } });
  const status = async () => (await container.inspect()).State.Status;
  assert.equal(await status(), 'created');
  await container.start();
  assert.equal(await status(), 'running');
  await assert.rejects(container.start(), (error) => error.statusCode === 304);
  await container.pause();
  assert.equal(await status(), 'paused');
  await container.unpause();
  await until(async () => (await container.logs({ stdout: true })).includes('up'));
  await container.restart({ t: 5 });
  await until(async () => (await container.logs({ stdout: true, tail: 1 })).includes('up'));
  await container.rename({ name: 'afterlife' });
  assert.equal((await container.inspect()).Name, '/afterlife');
  await container.update({ CpuShares: 512 });
  assert.equal((await container.inspect()).HostConfig.CpuShares, 512);
  const waited = container.wait();
  await container.stop({ t: 5 });
  assert.equal((await waited).StatusCode, 7);
  await container.remove();
  await assert.rejects(container.inspect(),
    (error) => error.statusCode === 404 && /No such container/.test(error.json.message));
});

test('callbacks are answered as promises are', async () => {
  const container = await running();
  const data = await new Promise((resolve, reject) =>
    docker.getContainer(container.id).inspect((error, data) => (error ? reject(error) : resolve(data))));
  assert.ok(data.State.Running);
  await new Promise((resolve, reject) => container.kill((error) => (error ? reject(error) : resolve())));
  await until(async () => !(await container.inspect()).State.Running);
});

test('containers are listed and filtered', async () => {
  const container = await running({ name: 'listed', Labels: { role: 'web' } });
  for (const filters of [{ label: ['role=web'] }, { name: ['list'] }, { status: ['running'] }]) {
    const found = await docker.listContainers({ filters });
    assert.deepEqual(found.map((each) => each.Id), [container.id]);
    assert.deepEqual((await docker.listContainers({ filters: JSON.stringify(filters) })).length, 1);
  }
  assert.ok((await docker.listContainers({ all: true, size: true }))[0].SizeRootFs > 0);
  assert.deepEqual(await docker.listContainers({ filters: { label: ['role=db'] } }), []);
});

test('attach without hijack gives the output', async () => {
  const container = await docker.createContainer({ Image: 'busybox', Cmd: ['sh', '-c', 'echo o; echo e >&2'] });
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const { out, err } = demuxed(container, stream);
  const texts = Promise.all([text(out), text(err)]);
  await container.start();
  await container.wait();
  assert.deepEqual(await texts, ['o\n', 'e\n']);
});

test('attach with hijack is a socket both ways', async () => {
  const container = await docker.createContainer(
    { Image: 'busybox', Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true });
  const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
  const { out } = demuxed(container, stream);
  const said = text(out);
  await container.start();
  stream.write('one\n');
  stream.end('two\n');
  assert.equal((await container.wait()).StatusCode, 0);
  assert.equal(await said, 'one\ntwo\n');
});

test('a terminal takes a thousand bytes and the end of input', async () => {
  const container = await docker.createContainer(
    { Image: 'busybox', Cmd: ['wc', '-c'], Tty: true, OpenStdin: true, AttachStdin: true });
  const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
  const said = text(stream);
  await container.start();
  await container.resize({ h: 30, w: 100 });
  stream.write('x'.repeat(1000) + '\n\x04');
  await container.wait();
  assert.match(await said, /1001/);
});

test('attach without hijack takes input too', async () => {
  const container = await docker.createContainer(
    { Image: 'busybox', Cmd: ['sh'], OpenStdin: true, StdinOnce: true, AttachStdin: true });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true });
  let said = '';
  stream.on('data', (data) => { said += data; });
  await container.start();
  stream.write('echo $((20+22)); exit 5\n');
  assert.equal((await container.wait()).StatusCode, 5);
  await until(() => /42\n/.test(said));
});

test('logs come whole, by line and as they happen', async () => {
  const container = await running({ Cmd: ['sh', '-c', 'echo one; echo two >&2; sleep 0.5; echo three'] });
  const stream = await container.logs({ follow: true, stdout: true, stderr: true });
  const { out, err } = demuxed(container, stream);
  assert.deepEqual(await Promise.all([text(out), text(err)]), ['one\nthree\n', 'two\n']);
  const whole = await container.logs({ stdout: true, stderr: false, timestamps: true });
  assert.match(whole.toString(), /^.{8}\d{4}-\d\d-\d\dT\S+Z one\n/s);
});

test('stats are a sample or a stream', async () => {
  const container = await running();
  const sample = await container.stats({ stream: false });
  assert.equal(sample.id, container.id);
  assert.ok(sample.memory_stats.usage > 0);
  const stream = await container.stats({ stream: true });
  const [data] = await once(stream, 'data');
  assert.equal(JSON.parse(data).id, container.id);
  stream.destroy();
});

test('top and changes look inside', async () => {
  const container = await running({ Cmd: ['sh', '-c', 'echo x > /made; sleep 1000'] });
  await until(async () => ((await container.changes()) || []).some((change) => change.Path === '/made'));
  const top = await container.top({ ps_args: 'aux' });
  assert.ok(top.Titles.includes('PID') && top.Processes.length >= 1);
});

test('exec runs beside the program', async () => {
  const container = await running();
  const exec = await container.exec(
    { Cmd: ['sh', '-c', 'echo o; echo e >&2; exit 4'], AttachStdout: true, AttachStderr: true });
  const { out, err } = demuxed(container, await exec.start({}));
  assert.deepEqual(await Promise.all([text(out), text(err)]), ['o\n', 'e\n']);
  await until(async () => (await exec.inspect()).ExitCode === 4);
});

test('exec with hijack takes input to its end', async () => {
  const container = await running();
  const exec = await container.exec({ Cmd: ['cat'], AttachStdin: true, AttachStdout: true });
  const stream = await exec.start({ hijack: true, stdin: true });
  const { out } = demuxed(container, stream);
  stream.end('echo\nall\n');
  assert.equal(await text(out), 'echo\nall\n');
});

test('exec at a terminal and detached', async () => {
  const container = await running();
  const exec = await container.exec(
    { Cmd: ['sh', '-c', 'test -t 1 && echo tty'], AttachStdout: true, Tty: true });
  assert.equal(await text(await exec.start({ Tty: true })), 'tty\r\n');
  const long = await container.exec({ Cmd: ['sleep', '1000'], Tty: true });
  await long.start({ Detach: true, Tty: true });
  await until(async () => (await long.inspect()).Running);
  await long.resize({ h: 20, w: 60 });
});

test('archives go in and out', async () => {
  const container = await running();
  await container.putArchive(tarOf({ 'note.txt': 'kept' }), { path: '/tmp' });
  const file = path.join(os.tmpdir(), `dockerode-${process.pid}.tar`);
  fs.writeFileSync(file, tarOf({ other: 'too' }));
  await container.putArchive(file, { path: '/tmp' });
  fs.unlinkSync(file);
  assert.match(await text(await container.getArchive({ path: '/tmp/note.txt' })), /kept/);
  const head = await container.infoArchive({ path: '/tmp/other' });
  const stat = JSON.parse(Buffer.from(head.headers['x-docker-container-path-stat'], 'base64'));
  assert.equal(stat.name, 'other');
  await assert.rejects(container.getArchive({ path: '/nowhere' }), (error) => error.statusCode === 404);
  assert.match(await text(await container.export()), /ustar/);
});

test('a container becomes an image', async () => {
  const container = await running({ Cmd: ['sh', '-c', 'echo x > /made'] });
  await container.wait();
  const made = await container.commit({ repo: 'committed', tag: '1', comment: 'why', changes: 'CMD ["cat", "/made"]' });
  const image = await docker.getImage('committed:1').inspect();
  assert.equal(image.Id, made.Id);
  assert.deepEqual(image.Config.Cmd, ['cat', '/made']);
  await docker.getImage('committed:1').remove();
});

test('a context becomes an image', async () => {
  const context = tarOf({ Dockerfile: 'FROM busybox\nCOPY n /n\nCMD cat /n\n', n: 'hi' });
  const stream = await docker.buildImage(Readable.from([context]),
    { t: 'built:1', labels: { a: 'b' }, buildargs: { X: '1' } });
  const told = await followed(stream);
  assert.ok(told.some((each) => /Successfully tagged built:1/.test(each.stream)));
  const image = docker.getImage('built:1');
  assert.equal((await image.inspect()).Config.Labels.a, 'b');
  assert.ok((await image.history()).length >= 2);
  const broken = await docker.buildImage(Readable.from([tarOf({ Dockerfile: 'FROM busybox\nRUN false\n' })]));
  const end = await followed(broken).then((output) => output.at(-1).error, (error) => error.message);
  assert.match(end, /non-zero code: 1/);
  await image.remove({ force: true });
});

test('a directory becomes an image', async () => {
  const context = fs.mkdtempSync(path.join(os.tmpdir(), 'context-'));
  fs.writeFileSync(path.join(context, 'Dockerfile'), 'FROM busybox\nCOPY . /ctx/\n');
  fs.writeFileSync(path.join(context, 'kept'), 'kept');
  await followed(await docker.buildImage({ context, src: ['Dockerfile', 'kept'] }, { t: 'directory:1' }));
  const [data] = await docker.run('directory:1', ['test', '-e', '/ctx/kept'], new PassThrough());
  assert.equal(data.StatusCode, 0);
  fs.rmSync(context, { recursive: true });
});

test('images are tagged, saved, loaded and removed', async () => {
  const image = docker.getImage('busybox:latest');
  await image.tag({ repo: 'saved', tag: '1' });
  const archive = await docker.getImage('saved:1').get();
  const parts = [];
  for await (const part of archive) parts.push(part);
  assert.deepEqual((await docker.getImage('saved:1').remove())[0], { Untagged: 'saved:1' });
  await assert.rejects(docker.getImage('saved:1').inspect(), (error) => error.statusCode === 404);
  const loaded = await followed(await docker.loadImage(Readable.from([Buffer.concat(parts)])));
  assert.ok(loaded.some((each) => /Loaded image: saved:1/.test(each.stream)));
  const listed = await docker.listImages({ filters: { reference: ['saved'] } });
  assert.deepEqual(listed.map((each) => each.RepoTags.includes('saved:1')), [true]);
  await docker.getImage('saved:1').remove();
});

test('a pull of nothing is refused before it streams', async () => {
  await assert.rejects(docker.pull('127.0.0.1:1/nothing:1'), (error) => error.statusCode >= 404);
  await assert.rejects(docker.createContainer({ Image: 'nothing-there', Cmd: ['true'] }),
    (error) => error.statusCode === 404 && error.json.message === 'No such image: nothing-there:latest');
});

test('networks are made, joined, left and removed', async () => {
  const network = await docker.createNetwork(
    { Name: 'lab', CheckDuplicate: true, IPAM: { Config: [{ Subnet: '10.81.0.0/24' }] }, Labels: { a: 'b' } });
  const container = await running({ name: 'joined' });
  await network.connect({ Container: container.id, EndpointConfig: { Aliases: ['www'] } });
  const seen = await network.inspect();
  assert.equal(seen.Containers[container.id].Name, 'joined');
  assert.equal((await docker.listNetworks({ filters: { label: ['a=b'] } }))[0].Name, 'lab');
  await assert.rejects(network.remove(), (error) => error.statusCode === 403);
  await network.disconnect({ Container: container.id });
  await network.remove();
  await assert.rejects(network.inspect(), (error) => error.statusCode === 404);
});

test('volumes are made, listed and removed', async () => {
  const made = await docker.createVolume({ Name: 'data', Labels: { a: 'b' } });
  const volume = docker.getVolume('data');
  assert.equal((await volume.inspect()).Labels.a, 'b');
  assert.equal(made.name || made.Name, 'data');
  const listed = await docker.listVolumes({ filters: { name: ['dat'] } });
  assert.deepEqual(listed.Volumes.map((each) => each.Name), ['data']);
  await volume.remove();
  await assert.rejects(volume.inspect(), (error) => error.statusCode === 404);
});

test('events are told while they happen', async () => {
  const stream = await docker.getEvents({ filters: { type: ['container'] } });
  let said = '';
  stream.on('data', (data) => { said += data; });
  const container = await running({ name: 'watched', Cmd: ['true'] });
  await container.wait();
  await until(() => said.split('\n').filter(Boolean).length >= 3);
  stream.destroy();
  const told = said.split('\n').filter(Boolean).map((line) => JSON.parse(line).status);
  assert.deepEqual(told.slice(0, 3), ['create', 'start', 'die']);
});

test('what has stopped is pruned', async () => {
  const container = await running({ Cmd: ['true'] });
  await container.wait();
  assert.ok((await docker.pruneContainers()).ContainersDeleted.includes(container.id));
  await docker.createVolume({ Name: 'unused' });
  assert.ok((await docker.pruneVolumes()).VolumesDeleted.includes('unused'));
  await docker.createNetwork({ Name: 'unused' });
  assert.ok((await docker.pruneNetworks()).NetworksDeleted.includes('unused'));
  assert.equal(typeof (await docker.pruneImages()).SpaceReclaimed, 'number');
});

test('a swarm there is not', async () => {
  for (const kind of ['Services', 'Nodes', 'Secrets', 'Configs', 'Tasks']) {
    await assert.rejects(docker[`list${kind}`](),
      (error) => error.statusCode === 503 && /not a swarm manager/.test(error.json.message));
  }
  assert.deepEqual(await docker.listPlugins(), []);
});

test('twenty requests at once are all answered', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, (_, number) =>
    docker.createContainer({ Image: 'busybox', Cmd: ['true'], name: `many-${number}` })));
  assert.equal(new Set(answers.map((container) => container.id)).size, 20);
  await Promise.all(answers.map((container) => container.remove()));
});

async function tidy() {
  for (const each of await docker.listContainers({ all: true })) {
    await docker.getContainer(each.Id).remove({ force: true, v: true }).catch(() => {});
  }
}

(async () => {
  for (const { name, act } of cases) {
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error('no end within 60 s')), 60000).unref());
    const error = await Promise.race([act(), late]).then(() => null, (error) => String(error.stack));
    console.log(JSON.stringify({ name, error }));
    await tidy();
  }
  process.exit(0);
})();

"""How long N bytes take both ways at once over one TCP connection: `listen|connect ADDRESS N TIMES`; prints the median in seconds."""
import socket, statistics, sys, threading, time

role, address, count, times = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if role == "listen":
    with socket.create_server((address, 17077)) as server:
        peer, _ = server.accept()
else:
    peer = socket.create_connection((address, 17077))
peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
data, inbox = bytes(count), bytearray(count)


def receive(view):
    while len(view):
        got = peer.recv_into(view)
        if got == 0:
            raise EOFError("the other side has gone")
        view = view[got:]


seconds = []
for _ in range(times):
    # Both begin together: a byte there and back.
    peer.sendall(b"!")
    receive(memoryview(bytearray(1)))
    began = time.perf_counter()
    sending = threading.Thread(target=peer.sendall, args=(data,))
    sending.start()
    receive(memoryview(inbox))
    sending.join()
    seconds.append(time.perf_counter() - began)
if role == "connect":
    print(statistics.median(seconds))

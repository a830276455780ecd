"""Physics."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Physics")

field.text("spring energies", """
    L = sum(k*(sqrt(sum((B @ X)**2, axis=1)) - l)**2)/2
""", B="e m", X="m d", k="e", l="e")

@field.numpy("Lennard-Jones", X="m d", sigma="", epsilon="", by="X", draws={
    "X": "far", "sigma": "positive"})
def lennard_jones(X, sigma, epsilon):
    m = X.shape[0]
    D2 = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=-1) + np.eye(m)
    s6 = (sigma**2 / D2) ** 3
    return 2 * epsilon * np.sum((s6**2 - s6) * (1 - np.eye(m)))


field.text("Lennard-Jones of pairs", """
    r = sqrt(sum((B @ X)**2, axis=1))
    L = 4*epsilon*sum((sigma/r)**12 - (sigma/r)**6)
""", by="X sigma", second="sigma", B="e m", X="m d", sigma=gp.Array("", kind="positive"),
           epsilon="", draws={"B": "incidence", "X": "far"})

field.text("Coulomb energy", """
    D = sqrt(sum((X[:, None, :] - X[None, :, :])**2, axis=2) + eye(m))
    L = sum(outer(q, q)*(1 - eye(m))/D)/2
""", by="X q", second="q", X="m 3", q="m", draws={"X": "far"})

field.text("Morse bonds", """
    r = norm(B @ X, axis=1)
    L = sum(D*(1 - exp(-a*(r - r0)))**2)
""", by="X", B="e m", X="m d", D="e", a="e", r0="e", draws={"B": "incidence", "D": "positive"})

field.text("bond angles", """
    u = P - Q
    v = R - Q
    c = sum(u*v, axis=1)/(norm(u, axis=1)*norm(v, axis=1))
    L = sum(k*(arccos(c) - theta)**2)/2
""", by="P Q R", P="m 3", Q="m 3", R="m 3", k="m", theta="m")

field.text("gravity of many bodies", """
    D = X[:, None, :] - X[None, :, :]
    r = sqrt(sum(D**2, axis=2) + s**2)
    L = -G/2*sum(outer(mu, mu)/r)
""", by="X", X="m d", mu="m", s="", G="")

field.text("spins in a field", "L = -s @ J @ s/2 - h @ s", by="s", s="n",
           J=gp.Array("n n", kind="symmetric"), h="n")

field.text("XY model", """
    D = theta[:, None] - theta[None, :]
    L = -sum(J*cos(D))/2
""", by="theta", theta="n", J=gp.Array("n n", kind="symmetric"))

field.text("network that solves an equation", """
    u = tanh(outer(x, w) + b) @ v
    ux = grad(sum(u), x)
    L = mean((ux + k*u)**2) + (u[0] - u0)**2
""", by="w b v", x="m", w="h", b="h", v="h", k="", u0="")

field.text("network for a heat equation", """
    H = tanh(outer(x, w) + outer(t, r) + b)
    u = H @ v
    ut = grad(sum(u), t)
    ux = grad(sum(u), x)
    uxx = grad(sum(ux), x)
    L = mean((ut - kappa*uxx)**2)
""", by="w r b v", second="v", x="m", t="m", w="h", r="h", b="h", v="h", kappa="")

field.text("network for Burgers' equation", """
    u = tanh(outer(x, w) + outer(t, r) + b) @ v
    ut = grad(sum(u), t)
    ux = grad(sum(u), x)
    uxx = grad(sum(ux), x)
    L = mean((ut + u*ux - nu*uxx)**2)
""", by="w v", second="v", x="m", t="m", w="h", r="h", b="h", v="h", nu="")

field.text("Hamiltonian network", """
    H = sum(tanh(outer(q, a) + outer(p, b) + c) @ v)
    L = mean((dq - grad(H, p))**2 + (dp + grad(H, q))**2)
""", by="a b v", second="v", q="m", p="m", dq="m", dp="m", a="h", b="h", c="h", v="h")

field.text("denoising score matching", """
    Y = X + sigma*E
    S = tanh(Y @ W + b) @ V
    L = mean(sum((sigma*S + E)**2, axis=1))/2
""", by="W b V", X="m n", E="m n", sigma="", W="n h", b="h", V="h n")

field.text("score matching of a Gaussian", """
    S = -(X - mu) @ K
    L = mean(sum(S**2, axis=1))/2 - tr(K)
""", by="mu K", second="mu", X="m n", mu="n", K="n n")

field.text("score matching by a derivative inside", """
    e = sum(softplus(x*w + b))
    s = -grad(e, x)
    L = s**2/2 - grad(s, x)*(-1)
""", by="w b", x="", w="k", b="k")

field.text("gradient penalty", """
    f = tanh(X @ W + b) @ v
    G = grad(sum(f), X)
    L = lam*mean((sqrt(sum(G**2, axis=1)) - 1)**2)
""", by="W b v", second="v", X="m n", W="n h", b="h", v="h", lam="")

field.text("Dirichlet energy", "L = sum((B @ U)**2)/2 - sum(F*U)", by="U", B="e m", U="m d",
           F="m d", draws={"B": "incidence"})

field.text("Poisson's equation by differences", """
    r = (u[2:] - 2*u[1:n-1] + u[:n-2])/h**2 + f[1:n-1]
    L = sum(r**2)/2 + (u[0]**2 + u[n-1]**2)/2
""", by="u", u="n>=3", f="n", h="", draws={"h": "positive"})

field.text("Verlet's scheme", """
    x[0] = x0
    x[1] = x1
    x[t] = 2*x[t-1] - x[t-2] - h**2*(K @ x[t-1]) for t in range(T)
    L = sum((x - y)**2)/2
""", by="x0 K", second="x0", x0="n", x1="n", K="n n", y="T>=3 n", h="", draws={"h": "unit"})

field.text("neural differential equation, Euler", """
    z[-1] = z0
    z[t] = z[t-1] + h*tanh(W @ z[t-1] + b) for t in range(3)
    L = sum((z[2] - y)**2)/2
""", by="z0 W b", second="z0", z0="n", W="n n", b="n", y="n", h="")

field.text("optical flow", """
    s = sum((u[1:] - u[:m-1])**2) + sum((v[1:] - v[:m-1])**2)
    L = sum((Ix*u + Iy*v + It)**2) + alpha**2*s
""", by="u v", Ix="m>=2 n", Iy="m n", It="m n", u="m n", v="m n", alpha="")

field.text("tomography with total variation", """
    d = x[1:] - x[:n-1]
    L = sum((A @ x - y)**2)/2 + lam*sum(sqrt(d**2 + eps**2))
""", by="x", x="n>=2", A="m n", y="m", lam="", eps=gp.Array("", kind="positive"))

field.text("Hartree energy", "L = tr(P @ H) + einsum(\"ij,kl,ijkl->\", P, P, V)/2", by="P",
           P="n n", H="n n", V="n n n n", sizes={"n": 3})

field.text("compartment model", """
    S[-1] = s0
    I[-1] = i0
    S[t] = S[t-1] - beta*S[t-1]*I[t-1]
    I[t] = I[t-1] + beta*S[t-1]*I[t-1] - gamma*I[t-1] for t in range(T)
    L = sum((I - y)**2)/2
""", by="beta gamma", s0="", i0="", beta="", gamma="", y="T", draws={
    "s0": "unit", "i0": "unit", "beta": "unit", "gamma": "unit"})

field.text("Rayleigh-Ritz of a vibration", """
    L = (u @ K @ u)/(u @ M @ u)
""", by="u", u="n", K=gp.Array("n n", kind="symmetric"), M=gp.Array("n n", kind="symmetric"))
